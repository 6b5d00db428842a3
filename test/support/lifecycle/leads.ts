// How scenarios begin that are about something later: an app is started, and each of its workers becomes ready.

export const started = [
  ['start', 'spawn 1@0'],
  ['ready 1', 'worker-ready 1@0', 'started'],
] as const

export const startedTwo = [
  ['start', 'spawn 1@0', 'spawn 2@1'],
  ['ready 1', 'worker-ready 1@0'],
  ['ready 2', 'worker-ready 2@1', 'started'],
] as const

export const startedThree = [
  ['start', 'spawn 1@0', 'spawn 2@1', 'spawn 3@2'],
  ['ready 1', 'worker-ready 1@0'],
  ['ready 2', 'worker-ready 2@1'],
  ['ready 3', 'worker-ready 3@2', 'started'],
] as const
