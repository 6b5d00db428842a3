// The request by which a parent brings a child its end of a direct channel; a name that no program can answer or ask.

export const peerRequest = 'brood:peer'
