/** What policy needs from the rest of the gateway. */
export interface PolicyPorts {
  /** Milliseconds since the epoch. */
  now(): number;
}
