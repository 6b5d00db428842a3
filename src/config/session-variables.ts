// Variables that belong to a terminal session and not to a program: the next shell has others, and no app changes by it.

const exact = new Set([
  '_',
  'SHLVL',
  'PWD',
  'OLDPWD',
  'TERM',
  'COLORTERM',
  'COLUMNS',
  'LINES',
  'WINDOWID',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'STY',
  'INIT_CWD',
  'INVOCATION_ID',
  'JOURNAL_STREAM',
  'SYSTEMD_EXEC_PID',
  'DBUS_SESSION_BUS_ADDRESS',
  'LS_COLORS',
])

const prefixes = ['SSH_', 'TERM_', 'TMUX', 'XDG_SESSION_', 'npm_', 'VSCODE_', 'SUDO_']

export function isSessionVariable(name: string): boolean {
  return exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix))
}
