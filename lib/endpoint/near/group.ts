/** The port of questions: of its own, so that receivers may have any. */
export const QUESTION_PORT = 26_117;
/** The groups that are asked: of the local scope (RFC 2365, section 6.1), and of the link (RFC 4291, section 2.7). */
export const GROUP_IPV4 = "239.255.117.26";
export const GROUP_IPV6 = "ff12::6665:7272:79";
/** Routers that questions pass: none. */
export const HOPS = 1;
