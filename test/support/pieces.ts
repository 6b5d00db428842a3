// A byte stream cut at random places, as a kernel may deliver it.
import fc from 'fast-check'

/** Places as shares of the whole, so that they fit any length. */
export const cuts: fc.Arbitrary<readonly number[]> = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
  maxLength: 12,
})

/** Every byte, in order; empty pieces are left out. */
export function pieces(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((share) => Math.floor(share * bytes.length)), bytes.length].toSorted(
    (a, b) => a - b,
  )
  return places
    .slice(0, -1)
    .map((from, index) => bytes.subarray(from, places[index + 1]))
    .filter((piece) => piece.length > 0)
}
