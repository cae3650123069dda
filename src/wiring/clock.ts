/** The time of this machine, in milliseconds since the epoch, for what runs without a gateway. */
export function clock(): number {
  return Date.now();
}
