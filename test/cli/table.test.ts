// Tables fit the terminal, stay aligned under colours, and cut only what may be cut.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { stripVTControlCharacters, styleText } from 'node:util'
import fc from 'fast-check'
import { type Column, renderTable } from '../../src/cli/table.ts'

const columns: Column[] = [
  { title: 'APP' },
  { title: 'PID', align: 'right' },
  { title: 'SCRIPT', shrinkTo: 10 },
]
const red = (text: string): string => styleText('red', text, { validateStream: false })

suite('a table', () => {
  test('has its columns as wide as their widest cell, numbers to the right, no space at the ends', () => {
    const rows = [
      ['web', '7', '/srv/web.js'],
      ['a-longer-one', '123456', '/x.js'],
    ]
    assert.deepEqual(renderTable(columns, rows, 80).split('\n'), [
      'APP              PID  SCRIPT',
      'web                7  /srv/web.js',
      'a-longer-one  123456  /x.js',
    ])
  })

  test('without rows is its head', () => {
    assert.equal(renderTable(columns, [], 80), 'APP  PID  SCRIPT')
  })

  test('takes a cell that is missing for an empty one', () => {
    assert.equal(renderTable(columns, [['web']], 80), 'APP  PID  SCRIPT\nweb')
  })

  test('cuts what may shrink with an ellipsis, so that 80 columns are never passed', () => {
    const lines = renderTable(columns, [['web', '7', `/srv/${'x'.repeat(200)}.js`]], 80).split('\n')
    assert.equal(lines[1]?.length, 80)
    assert.ok(lines[1]?.endsWith('x…'))
  })

  test('of exactly the width is not cut', () => {
    const script = 'x'.repeat(80 - 'web  PID  '.length)
    assert.ok(renderTable(columns, [['web', '7', script]], 80).endsWith(script))
  })

  test('shrinks its columns in order, each to its least, and no further', () => {
    const shrinking: Column[] = [{ title: 'A', shrinkTo: 5 }, { title: 'B', shrinkTo: 3 }, { title: 'C' }]
    const row = ['aaaaaaaaaa', 'bbbbbbbbbb', 'cccccccccc']
    assert.equal(renderTable(shrinking, [row], 30).split('\n')[1], 'aaaaa…  bbbbbbbbbb  cccccccccc')
    assert.equal(renderTable(shrinking, [row], 24).split('\n')[1], 'aaaa…  bbbb…  cccccccccc')
    assert.equal(renderTable(shrinking, [row], 1).split('\n')[1], 'aaaa…  bb…  cccccccccc')
  })

  test('counts colours for nothing', () => {
    const plain = renderTable(
      columns,
      [
        ['web', '7', 'x'],
        ['db', '12', 'y'],
      ],
      80,
    )
    const coloured = renderTable(
      columns,
      [
        [red('web'), red('7'), red('x')],
        ['db', '12', 'y'],
      ],
      80,
    )
    assert.notEqual(coloured, plain)
    assert.equal(stripVTControlCharacters(coloured), plain)
  })

  test('cuts a coloured cell without its colours, so that none runs on', () => {
    const [, line] = renderTable([{ title: 'A', shrinkTo: 4 }], [[red('abcdefgh')]], 4).split('\n')
    assert.equal(line, 'abc…')
  })

  test('of any cells keeps every column in its place and the width where it can', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', 'b', '-', '7'), maxLength: 30 })
    const rows = fc.array(fc.tuple(cell, cell, cell), { maxLength: 6 })
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 120 }), (some, width) => {
        const lines = renderTable(columns, some, width).split('\n')
        assert.equal(lines.length, some.length + 1)
        const widthOf = (index: number): number =>
          Math.max(columns[index]?.title.length ?? 0, ...some.map((row) => row[index]?.length ?? 0))
        const least = widthOf(0) + 2 + widthOf(1) + 2 + Math.min(widthOf(2), 10)
        const places = widthOf(0) + 2 + widthOf(1)
        for (const [index, line] of lines.entries()) {
          assert.ok(line.length <= Math.max(width, least), `${line.length} of ${width}`)
          const number = index === 0 ? 'PID' : (some[index - 1]?.[1] ?? '')
          assert.ok(line.slice(0, places).padEnd(places).endsWith(number))
        }
      }),
    )
  })
})
