// What every contestant is: one way to run the same server program on one port.

/** Where a contestant runs: everything it may know and everything it may write to. */
export interface Place {
  /** Its own empty directory. Its path also stands in `environment` and so marks every process that is started here. */
  home: string
  port: number
  workers: number
  environment: NodeJS.ProcessEnv
  /** File descriptor of a log file, for the output of processes started directly. */
  output: number
  signal: AbortSignal
}

/** A contestant that was told to start, and how it is ended. */
export interface Started {
  /** The process that holds the workers; undefined where there is none. */
  supervisor: number | undefined
  /** Ends it the way its users do. What is left over is counted and killed by the caller. */
  end(): Promise<void>
}

export interface Contestant {
  /** For `--only` and for the results file. */
  key: string
  title: string
  /** `single` runs one process whatever number of workers is asked for; `siblings` have nobody above them. */
  shape: 'single' | 'siblings' | 'supervised'
  start(place: Place): Promise<Started>
}
