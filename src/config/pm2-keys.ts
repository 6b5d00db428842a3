// The keys of a PM2 ecosystem file, and what says the same here.

const sameHere: Readonly<Record<string, string>> = {
  instances: "write 'workers'",
  exec_mode: 'leave it out, every app is a cluster',
  max_memory_restart: "write 'maxMemory', such as '512MB'",
  cron_restart: "write 'cron'",
  wait_ready: "write ready: 'message'",
  listen_timeout: "write ready: { timeout: '30s' }",
  kill_timeout: "write stop: { grace: '10s' }",
  autorestart: "write restart: 'permanent' or 'temporary'",
  max_restarts: 'write restart: { intensity: 5 }',
  min_uptime: "write restart: { period: '10s' }",
  restart_delay: "write restart: { backoff: { from: '100ms', to: '30s' } }",
  exp_backoff_restart_delay: "write restart: { backoff: { from: '100ms', to: '30s' } }",
  stop_exit_codes: 'write restart: { stopExitCodes: [0] }',
  node_args: "write 'nodeArgs'",
  interpreter_args: "write 'nodeArgs'",
  exec_interpreter: "write 'interpreter'",
  env_file: "write 'envFile'",
  ignore_watch: 'write watch: { ignore: [] }',
  watch_delay: "write watch: { debounce: '200ms' }",
  watch_options: 'write watch: { paths, ignore, debounce }',
  out_file: 'leave it out, each slot has log files of its own',
  error_file: 'leave it out, each slot has log files of its own',
  log_file: 'leave it out, each slot has log files of its own',
  out: 'leave it out, each slot has log files of its own',
  error: 'leave it out, each slot has log files of its own',
  merge_logs: 'leave it out, each slot has log files of its own',
  combine_logs: 'leave it out, each slot has log files of its own',
  log_date_format: "write logs: { format: 'text' }",
  log_type: "write logs: { format: 'json' }",
  time: "write logs: { format: 'text' }",
  instance_var: 'leave it out, a worker finds its number in NODE_APP_INSTANCE',
  increment_var: 'leave it out, a worker finds its number in NODE_APP_INSTANCE',
  source_map_support: "write nodeArgs: ['--enable-source-maps']",
  disable_source_map_support: 'leave it out',
  shutdown_with_message: 'leave it out, see stop',
  treekill: 'leave it out, the whole process tree is always ended',
  kill_retry_time: 'leave it out',
  filter_env: 'write env: { NAME: undefined }',
  namespace: 'leave it out',
  force: 'leave it out, write another app with another name',
  append_env_to_name: 'leave it out',
  post_update: 'leave it out',
  vizion: 'leave it out',
  pmx: 'leave it out',
  automation: 'leave it out',
  deploy: 'leave it out, deploying is up to other tools',
}

/** What to write in place of a key that is PM2's; undefined when it is not. */
export function insteadOfPm2Key(key: string): string | undefined {
  if (Object.hasOwn(sameHere, key)) return sameHere[key]
  const layer = /^env_(\w+)$/.exec(key)?.[1]
  return layer === undefined ? undefined : `write envs: { ${layer}: { … } }, chosen with --env-name ${layer}`
}
