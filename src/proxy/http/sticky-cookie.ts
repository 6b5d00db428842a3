// The sticky cookie: it names the slot that a client belongs to.

/** The slot that the cookie of that name tells; undefined when there is none, or nothing sensible in it. */
export function slotOfCookie(header: string | undefined, cookie: string): number | undefined {
  if (header === undefined) return undefined
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    if (equals < 0 || pair.slice(0, equals).trim() !== cookie) continue
    const value = pair.slice(equals + 1).trim()
    return /^\d{1,6}$/.test(value) ? Number(value) : undefined
  }
  return undefined
}

/** For the time of the browser's session; scripts need not see it, and other sites' requests need not carry it. */
export function cookieOfSlot(cookie: string, slot: number): string {
  return `${cookie}=${slot}; Path=/; HttpOnly; SameSite=Lax`
}
