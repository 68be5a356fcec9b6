/** What happened to a datagram: one line of `--trace`. */
export interface TraceEvent {
  readonly what: "SEND" | "RECV" | "DROP";
  /** Milliseconds on the endpoint's clock. */
  readonly time: number;
  readonly seq: number;
  readonly ack: number;
  /** The connection id, 16 hexadecimal digits. */
  readonly connection: string;
  /** FIN 1, SYN 2, ACK 4, RST 8, and the flags that are ferry's own. */
  readonly flags: number;
  /** Payload bytes. */
  readonly length: number;
  /** Whether it carries bytes which an earlier datagram carried. */
  readonly duplicate: boolean;
  /** Why it was dropped. */
  readonly reason?: string;
}
