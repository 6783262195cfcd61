/** What this server says it is. A test holds ANTIPODE_VERSION equal to package.json. */

/** The Redis release whose behaviour is the target; clients choose what they dare to send by it. */
export const REDIS_VERSION = '7.4.0';
export const ANTIPODE_VERSION = '0.1.0';
