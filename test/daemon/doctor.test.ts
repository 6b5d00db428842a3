// The doctor on machines of all kinds: each thing that can be wrong is found, and the way to mend it is said.
import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checkBoot, rewriting } from '../../src/daemon/doctor/boot.ts'
import { checkDescriptors, checkProcesses } from '../../src/daemon/doctor/descriptors.ts'
import type { Check, Finding, Patient } from '../../src/daemon/doctor/finding.ts'
import { checkDisk, checkHome, checkState } from '../../src/daemon/doctor/home.ts'
import { checkBacklog, checkLowPorts, checkPortRange } from '../../src/daemon/doctor/network.ts'
import {
  checkClock,
  checkKernel,
  checkMemory,
  checkNode,
  checkShell,
} from '../../src/daemon/doctor/platform.ts'
import { checkSupervisor } from '../../src/daemon/doctor/supervisor.ts'
import type { System } from '../../src/daemon/doctor/system.ts'
import { homeOf } from '../../src/daemon/home.ts'
import { type UnitSettings, unitText } from '../../src/daemon/systemd-unit.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** A healthy machine; `files` are what can be read on it. */
const files: Readonly<Record<string, string>> = {
  '/proc/self/stat': '1 (node) S',
  '/proc/self/limits':
    'Limit  Soft Limit  Hard Limit  Units\nMax processes   96365  96365  processes\nMax open files  1024  524288  files\n',
  '/proc/self/status': 'CapEff:\t0000000000000000\n',
  '/proc/sys/kernel/osrelease': '6.1.0\n',
  '/proc/sys/vm/overcommit_memory': '0\n',
  '/proc/sys/net/core/somaxconn': '4096\n',
  '/proc/sys/net/ipv4/ip_local_port_range': '32768\t60999\n',
  '/proc/sys/net/ipv4/ip_local_reserved_ports': '\n',
  '/proc/sys/net/ipv4/ip_unprivileged_port_start': '80\n',
  '/bin/sh': 'a shell',
}

type Change = Partial<System> & { readonly files?: Readonly<Record<string, string>> }

function patient(change: Change = {}, other: Partial<Patient> = {}): Patient {
  const all = { ...files, ...change.files }
  const system: System = {
    platform: 'linux',
    node: '26.10.0',
    uid: 1000,
    user: 'web',
    env: {},
    now: () => Date.UTC(2026, 0, 1),
    read: (path) => all[path] ?? '',
    exists: (path) => path in all,
    stat: () => ({ uid: 1000, mode: 0o700, isFolder: true }),
    disk: () => ({ free: 1e10, type: 0xef53 }),
    run: () => 'yes',
    ...change,
  }
  const home = homeOf({ BROOD_HOME: '/srv/brood' })
  return { system, home, version: '1.2.3', supervisor: undefined, unreachable: undefined, apps: [], ...other }
}

const apps = [
  // Only what the checks look at.
  { addresses: ['*:40000', '*:3000'], size: 4, spec: { maxWorkers: 64 } },
] as unknown as Patient['apps']

const supervisor = { pid: 77, version: '1.2.3', node: '26.10.0' } as Patient['supervisor'] & object

test('a healthy machine has nothing to mend', () => {
  const checks = [
    ...[
      checkNode,
      checkKernel,
      checkShell,
      checkClock,
      checkMemory,
      checkHome,
      checkDisk,
      checkState,
      checkSupervisor,
    ],
    ...[checkDescriptors, checkProcesses, checkBacklog, checkPortRange, checkLowPorts],
  ]
  for (const check of checks) {
    const findings = check(patient())
    assert.deepEqual(
      findings.map(({ level, mend }) => ({ level, mend })),
      [{ level: 'ok', mend: undefined }],
      check.name,
    )
  }
})

const state = '/srv/brood/state.json'
const noApps = '{"version":2,"line":{"path":"x","token":"y"},"apps":[]}'
const sick: [
  name: string,
  check: Check,
  patient: Patient,
  level: Finding['level'],
  what: RegExp,
  mend: RegExp,
][] = [
  ['an old Node', checkNode, patient({ node: '24.18.1' }), 'problem', /24\.18\.1 is too old/, /24\.19/],
  ['Node between the lines', checkNode, patient({ node: '25.9.0' }), 'problem', /too old/, /26\.4/],
  ['Node 24', checkNode, patient({ node: '24.19.0' }), 'notice', /unix sockets/, /26\.10/],
  ['another system', checkKernel, patient({ platform: 'darwin' }), 'notice', /on darwin/, /Linux/],
  [
    'no /proc',
    checkKernel,
    patient({ files: { '/proc/self/stat': '' } }),
    'problem',
    /\/proc is not mounted/,
    /mount -t proc/,
  ],
  ['no shell', checkShell, patient({ exists: () => false }), 'problem', /no \/bin\/sh/, /install/],
  ['a clock of 1970', checkClock, patient({ now: () => 0 }), 'problem', /1970-01-01/, /set-ntp/],
  ['a free-running clock', checkClock, patient({ run: () => 'no' }), 'notice', /clock/, /set-ntp/],
  [
    'strict memory',
    checkMemory,
    patient({ files: { '/proc/sys/vm/overcommit_memory': '2\n' } }),
    'notice',
    /is 2/,
    /overcommit_memory=0/,
  ],
  [
    "somebody else's home",
    checkHome,
    patient({ stat: () => ({ uid: 0, mode: 0o700, isFolder: true }) }),
    'problem',
    /uid 0, you are 1000/,
    /BROOD_HOME/,
  ],
  [
    'a file as home',
    checkHome,
    patient({ stat: () => ({ uid: 1000, mode: 0o700, isFolder: false }) }),
    'problem',
    /no folder/,
    /BROOD_HOME/,
  ],
  [
    'a home without rights',
    checkHome,
    patient({ stat: () => ({ uid: 1000, mode: 0o500, isFolder: true }) }),
    'problem',
    /0500/,
    /chmod 700/,
  ],
  [
    'an open home',
    checkHome,
    patient({ stat: () => ({ uid: 1000, mode: 0o755, isFolder: true }) }),
    'notice',
    /0755/,
    /chmod 700/,
  ],
  [
    'a full disk',
    checkDisk,
    patient({ disk: () => ({ free: 1e6, type: 0 }) }),
    'problem',
    /only 1 MB/,
    /make room/,
  ],
  [
    'a nearly full disk',
    checkDisk,
    patient({ disk: () => ({ free: 1e8, type: 0 }) }),
    'notice',
    /only 100 MB/,
    /make room/,
  ],
  [
    'a network disk',
    checkDisk,
    patient({ disk: () => ({ free: 1e10, type: 0x6969 }) }),
    'notice',
    /network/,
    /local disk/,
  ],
  [
    'a torn state',
    checkState,
    patient({ files: { [state]: '{"vers' } }),
    'problem',
    /cannot be read/,
    /version of brood/,
  ],
  [
    'a state of another version',
    checkState,
    patient({ files: { [state]: noApps.replace('2', '3') } }),
    'problem',
    /cannot be read/,
    /version of brood/,
  ],
  [
    "a stranger's state",
    checkState,
    patient({ files: { [state]: '[]' } }),
    'problem',
    /cannot be read/,
    /version of brood/,
  ],
  [
    'a supervisor of another version',
    checkSupervisor,
    patient({}, { supervisor: { ...supervisor, version: '1.0.0' } }),
    'notice',
    /1\.0\.0, this command is 1\.2\.3/,
    /brood upgrade/,
  ],
  [
    'a supervisor that does not answer',
    checkSupervisor,
    patient({}, { unreachable: 'it is no brood' }),
    'problem',
    /no brood/,
    /supervisor\.log/,
  ],
  [
    'few files',
    checkDescriptors,
    patient({ files: { '/proc/self/limits': 'Max open files  1024  1024  files\n' } }),
    'notice',
    /only 1024/,
    /LimitNOFILE/,
  ],
  [
    'too few files for the apps',
    checkDescriptors,
    patient({ files: { '/proc/77/limits': 'Max open files  99  99  files\n' } }, { supervisor, apps }),
    'problem',
    /99 files, its apps need 212/,
    /LimitNOFILE/,
  ],
  [
    'too few processes',
    checkProcesses,
    patient({ files: { '/proc/self/limits': 'Max processes  50  50  processes\n' } }, { apps }),
    'problem',
    /50 processes/,
    /nproc/,
  ],
  [
    'a short backlog',
    checkBacklog,
    patient({ files: { '/proc/sys/net/core/somaxconn': '128\n' } }),
    'notice',
    /only 128/,
    /somaxconn = 4096/,
  ],
  [
    "an app's port among the outgoing",
    checkPortRange,
    patient({}, { apps }),
    'notice',
    /: 40000$/,
    /reserved_ports = 40000/,
  ],
  [
    'no low ports',
    checkLowPorts,
    patient({ files: { '/proc/sys/net/ipv4/ip_unprivileged_port_start': '1024\n' } }),
    'notice',
    /below 1024/,
    /port_start = 80/,
  ],
  ['no systemd', checkBoot, patient(), 'notice', /no systemd/, /brood supervise/],
]

for (const [name, check, who, level, what, mend] of sick) {
  test(`${name}: a ${level}`, () => {
    const [finding, ...others] = check(who)
    assert.deepEqual(others, [])
    assert.equal(finding?.level, level)
    assert.match(finding?.what ?? '', what)
    assert.match(finding?.mend ?? '', mend)
    assert.ok(!finding?.what.includes('\n') && !finding?.mend?.includes('\n'), 'one line each')
  })
}

test('a state that was set aside is told beside what there is now', () => {
  const levels = checkState(patient({ files: { [`${state}.unreadable`]: '', [state]: noApps } }))
  assert.deepEqual(
    levels.map(({ level }) => level),
    ['notice', 'ok'],
  )
})

test('reserved ports and the right to bind low ones are known', () => {
  const reserved = { '/proc/sys/net/ipv4/ip_local_reserved_ports': '22,39999-40001\n' }
  assert.equal(checkPortRange(patient({ files: reserved }, { apps }))[0]?.level, 'ok')
  const right = {
    '/proc/sys/net/ipv4/ip_unprivileged_port_start': '1024\n',
    '/proc/self/status': 'CapEff:\t0000000000000400\n',
  }
  assert.equal(checkLowPorts(patient({ files: right }))[0]?.level, 'ok')
})

/** A machine with systemd, on which `brood startup --user-unit --write` was run. */
function booting(
  t: TestContext,
  options: { enabled: boolean; change?: Change; settings?: Partial<UnitSettings> },
): Finding[] {
  const config = temporaryFolder(t)
  const folder = join(config, 'systemd/user')
  mkdirSync(join(folder, 'default.target.wants'), { recursive: true })
  const text = unitText({
    node: '/opt/no de%',
    brood: '/opt/$brood.js',
    home: '/srv/brood',
    path: '/bin',
    user: undefined,
    kind: 'user',
    longestGrace: 0,
    systemdVersion: 252,
    ...options.settings,
  })
  writeFileSync(join(folder, 'brood.service'), text)
  if (options.enabled) symlinkSync('../brood.service', join(folder, 'default.target.wants/brood.service'))
  const there = {
    '/run/systemd/system': '',
    '/opt/no de%': '',
    '/opt/$brood.js': '',
    '/var/lib/systemd/linger/web': '',
  }
  const change = options.change ?? {}
  return [
    ...checkBoot(
      patient({ env: { XDG_CONFIG_HOME: config }, ...change, files: { ...there, ...change.files } }),
    ),
  ]
}

test('a unit that is enabled and true is well', (t) => {
  assert.deepEqual(
    booting(t, { enabled: true }).map(({ level }) => level),
    ['ok'],
  )
})

for (const [name, options, what, mend] of [
  ['not enabled', { enabled: false }, /not enabled/, /systemctl --user enable brood\.service/],
  ['for another folder', { enabled: true, settings: { home: '/else' } }, /another folder/, /brood startup/],
  [
    'of a Node that is gone',
    { enabled: true, settings: { node: '/opt/old' } },
    /starts \/opt\/old, which is gone/,
    /startup --write --user-unit/,
  ],
  [
    'without systemd-notify',
    { enabled: true, change: { run: () => undefined } },
    /systemd-notify is missing/,
    /install/,
  ],
  [
    'whose user must be logged in',
    { enabled: true, change: { user: 'other' } },
    /only when other logs in/,
    /enable-linger other/,
  ],
] as const) {
  test(`a unit ${name} is told`, (t) => {
    const findings = booting(t, options)
    assert.equal(findings.length, 1)
    assert.match(findings[0]?.what ?? '', what)
    assert.match(findings[0]?.mend ?? '', mend)
  })
}

test('a unit is to be written again as it was: by its name, for its user, from its folder', () => {
  const unit = { path: '/etc/systemd/system/brood-b.service', text: '[Service]\nUser=web\n' }
  const own = { path: '/etc/systemd/user/brood.service', text: '[Service]\n' }
  assert.equal(
    rewriting(unit, 'system', { uid: 0, env: {} }),
    'brood startup --write --user web --name brood-b',
  )
  assert.equal(
    rewriting(unit, 'system', { uid: 1000, env: { BROOD_HOME: '/srv/b b' } }),
    `sudo env "PATH=$PATH" BROOD_HOME='/srv/b b' brood startup --write --user web --name brood-b`,
  )
  assert.equal(rewriting(own, 'user', { uid: 1000, env: {} }), 'brood startup --write --user-unit')
})
