// `brood/process/parent`: the child's side alone, for children that are to start quickly; less than half of what `brood/process` loads.
export { HandlerError } from './handler-error.ts'
export { type Parent, parent, parentAs } from './parent.ts'
export { Peer, type PeerOptions, peer } from './peer.ts'
