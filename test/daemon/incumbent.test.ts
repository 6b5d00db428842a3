// Whether a supervisor that is there already is of the same systemd unit.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOfThisUnit } from '../../src/daemon/incumbent.ts'

const unit = '0::/system.slice/brood.service\n'

for (const [name, own, theirs, expected] of [
  ['the same unit', unit, unit, true],
  ['a cgroup of ours below it', unit, '0::/system.slice/brood.service/brood-web\n', true],
  ['from such a one', '0::/system.slice/brood.service/supervisor\n', unit, true],
  ['a login session', unit, '0::/user.slice/user-0.slice/session-1.scope\n', false],
  ['another unit', unit, '0::/system.slice/brood.service2.service\n', false],
  ['gone', unit, '', false],
  [
    'the older hierarchies',
    '4:cpu:/\n1:name=systemd:/a/b.service\n',
    '1:name=systemd:/a/b.service/x\n',
    true,
  ],
  [
    'the older hierarchies, another unit',
    '1:name=systemd:/a/b.service\n',
    '1:name=systemd:/a/c.service\n',
    false,
  ],
  [
    'a unit of a user, below the service of its manager',
    '0::/user@0.service/app.slice/brood.service\n',
    '0::/user@0.service/app.slice/x.service\n',
    false,
  ],
  ['no unit at all', '0::/\n', '0::/user.slice/session-1.scope\n', true],
] as const) {
  test(`${name}: ${expected ? 'yes' : 'no'}`, () => assert.equal(isOfThisUnit(1, own, theirs), expected))
}
