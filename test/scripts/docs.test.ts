// Proves that the docs check sees what code and documentation don't have in common.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  compareCommands,
  compareConfigKeys,
  compareErrorCodes,
  unlistedDecisions,
} from '../../scripts/check/docs.ts'
import { headingsOf, relativeLinksOf } from '../../scripts/check/markdown.ts'

suite('the docs check', () => {
  const errorPage = '# Errors\n\n## When starting\n\n### `port_in_use`\n\ntext\n'

  test('is content when every error code has a heading', () => {
    assert.deepEqual(compareErrorCodes(['port_in_use'], errorPage), [])
  })

  test('finds an error code without a heading', () => {
    assert.match(
      compareErrorCodes(['port_in_use', 'no_such_app'], errorPage).join(),
      /lacks the error code no_such_app/,
    )
  })

  test('finds a heading for an error code that is gone', () => {
    assert.match(compareErrorCodes([], errorPage).join(), /documents port_in_use/)
  })

  const commandPage =
    '# Command line\n\n## Exit codes\n\n## `brood start <script|config>`\n\n### brood start --watch\n'

  test('is content when every command has a heading, whatever follows the name', () => {
    assert.deepEqual(compareCommands(['index.ts', 'start.ts'], commandPage), [])
  })

  test('finds a command without a heading', () => {
    assert.match(compareCommands(['start.ts', 'stop.ts'], commandPage).join(), /lacks the command stop/)
  })

  test('finds a heading for a command that is gone, once', () => {
    assert.equal(compareCommands([], commandPage).length, 1)
  })

  const configPage = '| key | type |\n| --- | --- |\n| `stop.grace` | time | `10s` | how long |\n'

  test('is content when every key of configuration files has a row', () => {
    assert.deepEqual(compareConfigKeys(['stop.grace', 'stop.grace'], configPage), [])
  })

  test('finds a key without a row, and a row without a key', () => {
    assert.match(
      compareConfigKeys(['stop.grace', 'stop.signal'], configPage).join(),
      /lacks the key stop.signal/,
    )
    assert.match(compareConfigKeys([], configPage).join(), /documents stop.grace/)
  })

  test('finds a decision that the list lacks', () => {
    const list = '- [Slots](./0001-slots.md)\n- [Old](0002-old.md#price)\n'
    assert.deepEqual(unlistedDecisions(['README.md', '0001-slots.md', '0002-old.md'], list), [])
    assert.equal(unlistedDecisions(['0003-new.md'], list).length, 1)
  })
})

suite('reading Markdown', () => {
  test('a heading inside a code block is none', () => {
    assert.deepEqual(headingsOf('# A\n\n```sh\n# b\n```\n\n## `c d` ##\n'), ['A', '`c d`'])
  })

  test('links are found in every form, without their section', () => {
    const markdown = [
      '[a](a.md) ![b](<b.png> "title") [c][c] <img src="d.svg" width="3">',
      '[![badge](e.svg)](f.md#part)',
      '[c]: ../c%20c.md',
    ].join('\n')
    assert.deepEqual(relativeLinksOf(markdown).sort(), [
      '../c c.md',
      'a.md',
      'b.png',
      'd.svg',
      'e.svg',
      'f.md',
    ])
  })

  test('web addresses, sections and code are no links into the repository', () => {
    const markdown =
      '[a](https://a.example/b) [b](#b) [c](mailto:c@c.example) `[d](d.md)`\n\n```\n[e](e.md)\n```\n'
    assert.deepEqual(relativeLinksOf(markdown), [])
  })
})
