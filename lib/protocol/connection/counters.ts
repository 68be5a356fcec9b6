/** What a connection counts. Datagrams and bytes as they cross the socket, headers included. */
export class Counters {
  datagramsSent = 0;
  datagramsReceived = 0;
  bytesSent = 0;
  bytesReceived = 0;
  /** Datagrams that carried bytes which an earlier datagram had carried. */
  retransmissions = 0;
  /** Payload bytes that were sent again. */
  retransmittedBytes = 0;
  /** Datagrams that loss detection gave up. */
  datagramsLost = 0;
  /** Datagrams given up that turned out to have arrived. */
  spuriousLosses = 0;
  /** Probes sent because acknowledgements stayed away. */
  probes = 0;
  /** Datagrams that brought nothing new. */
  duplicatesReceived = 0;
  /** Datagrams that were thrown away: damaged, stale or against the rules. */
  dropped = 0;
  /** Pure acknowledgements sent. */
  acksSent = 0;
}
