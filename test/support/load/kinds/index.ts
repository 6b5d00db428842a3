/** All kinds of client by name; each is a function that takes one turn: one request and the pause behind it. */
import type { Client } from '../client.ts'
import { type KeepAliveBusySettings, keepAliveBusy } from './keep-alive-busy.ts'
import { type KeepAliveIdleSettings, keepAliveIdle } from './keep-alive-idle.ts'
import { type ShortSettings, short } from './short.ts'
import { type StreamSettings, stream } from './stream.ts'
import { type UploadSettings, upload } from './upload.ts'

export type KindSettings = {
  keepAliveBusy: KeepAliveBusySettings
  keepAliveIdle: KeepAliveIdleSettings
  short: ShortSettings
  upload: UploadSettings
  stream: StreamSettings
}

export type KindName = keyof KindSettings

export const kindNames = ['keepAliveBusy', 'keepAliveIdle', 'short', 'upload', 'stream'] as const

type Kinds = { readonly [Name in KindName]: (client: Client, settings: KindSettings[Name]) => Promise<void> }

export const kinds: Kinds = { keepAliveBusy, keepAliveIdle, short, upload, stream }
