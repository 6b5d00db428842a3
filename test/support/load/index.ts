/** The load client: proves that no request failed, or shows which one did and how. */
export { LoadClientError } from './connection.ts'
export { type LoadOptions, startLoad } from './load.ts'
export { formatReport, type LoadReport } from './report.ts'
