// Apps start after those they depend on; a circle is told as one.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { isOutside, startOrder } from '../../src/supervisor/start-order.ts'

const app = (name: string, ...dependsOn: string[]) => ({ name, dependsOn })

suite('the order of a start', () => {
  const orders: [what: string, apps: ReturnType<typeof app>[], waves: string[][]][] = [
    ['no apps', [], []],
    ['apps without dependencies all at once', [app('b'), app('a')], [['b', 'a']]],
    ['a chain one after another', [app('c', 'b'), app('b', 'a'), app('a')], [['a'], ['b'], ['c']]],
    [
      'a diamond in three waves',
      [app('d', 'b', 'c'), app('b', 'a'), app('c', 'a'), app('a')],
      [['a'], ['b', 'c'], ['d']],
    ],
    ['outside services at once', [app('a', 'tcp:db:5432', 'http://auth/health')], [['a']]],
    ['names that are not among the apps at once', [app('a', 'elsewhere')], [['a']]],
  ]
  for (const [what, apps, waves] of orders)
    test(`of ${what}`, () => assert.deepEqual(startOrder(apps), waves))

  const circles: [apps: ReturnType<typeof app>[], message: string][] = [
    [
      [app('api', 'db'), app('db', 'api')],
      'api → db → api: these apps wait for each other, take one of the dependencies away',
    ],
    [[app('a', 'a')], 'a → a: an app cannot wait for itself, take one of the dependencies away'],
    [
      [app('x', 'a'), app('a', 'b'), app('b', 'c'), app('c', 'a'), app('free')],
      'a → b → c → a: these apps wait for each other, take one of the dependencies away',
    ],
  ]
  for (const [apps, message] of circles) {
    test(`of a circle is an error: ${message}`, () =>
      assert.throws(() => startOrder(apps), { code: 'usage', message }))
  }

  test('has every app once, after all it depends on', () => {
    // Each app may depend on those before it alone, so there is no circle.
    const graphs = fc.array(fc.array(fc.nat(20), { maxLength: 4 }), { maxLength: 20 })
    fc.assert(
      fc.property(graphs, (graph) => {
        const apps = graph.map((edges, index) =>
          app(`${index}`, ...edges.filter((to) => to < index).map(String)),
        )
        const waves = startOrder(apps.toReversed())
        assert.deepEqual(waves.flat().toSorted(), apps.map(({ name }) => name).toSorted())
        for (const { name, dependsOn } of apps) {
          const wave = waves.findIndex((one) => one.includes(name))
          for (const other of dependsOn) assert.ok(waves.findIndex((one) => one.includes(other)) < wave)
        }
      }),
    )
  })
})

test('services outside are told by their form', () => {
  assert.deepEqual(['tcp:db:5432', 'http://a/b', 'https://a', 'db', 'tcp', 'httpd'].map(isOutside), [
    true,
    true,
    true,
    false,
    false,
    false,
  ])
})
