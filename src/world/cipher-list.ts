/**
 * PURE: which ciphers an OpenSSL cipher list means, without asking OpenSSL: the simulated world agrees on one by this, and a setting is
 * refused by it. `test/world/cipher-list.test.ts` compares it with `openssl ciphers`.
 *
 * Only ciphers that TLS 1.2 can use with a certificate are known: none without authentication or encryption, none with shared keys.
 * Lists are sets here, since only emptiness and overlap matter, so `+` and `@STRENGTH` change nothing; `@SECLEVEL` is not read, either.
 * Limits: `LIST_LENGTH_MAX` characters are read, the rest is ignored.
 */

const LIST_LENGTH_MAX = 4_096;

/** Key exchange and authentication by the prefix of a name. [OpenSSL ciphers(1)] */
const EXCHANGES = {
  'ECDHE-ECDSA-': ['ECDSA', 'aECDSA', 'ECDHE', 'kECDHE', 'EECDH', 'kEECDH'],
  'ECDHE-RSA-': ['aRSA', 'ECDHE', 'kECDHE', 'EECDH', 'kEECDH'],
  'DHE-RSA-': ['aRSA', 'DHE', 'kDHE', 'EDH', 'kEDH'],
  'DHE-DSS-': ['DSS', 'aDSS', 'DHE', 'kDHE', 'EDH', 'kEDH'],
  '': ['RSA', 'kRSA', 'aRSA'],
} as const;

type Prefix = keyof typeof EXCHANGES;
const PREFIXES = Object.keys(EXCHANGES) as readonly Prefix[];

/** By encryption and MAC: with which exchanges it exists, and the words that mean it. `~` before a name: not in DEFAULT. */
const ENCRYPTIONS: readonly (readonly [name: string, exchanges: string, words: string])[] = [
  ['AES256-GCM-SHA384', 'ECDHE-ECDSA- ECDHE-RSA- DHE-RSA- DHE-DSS- -', 'AES AES256 AESGCM TLSv1.2'],
  ['AES128-GCM-SHA256', 'ECDHE-ECDSA- ECDHE-RSA- DHE-RSA- DHE-DSS- -', 'AES AES128 AESGCM TLSv1.2'],
  ['CHACHA20-POLY1305', 'ECDHE-ECDSA- ECDHE-RSA- DHE-RSA-', 'CHACHA20 TLSv1.2'],
  ['~AES256-CCM8', 'ECDHE-ECDSA- DHE-RSA- -', 'AES AES256 AESCCM AESCCM8 TLSv1.2'],
  ['~AES256-CCM', 'ECDHE-ECDSA- DHE-RSA- -', 'AES AES256 AESCCM TLSv1.2'],
  ['~AES128-CCM8', 'ECDHE-ECDSA- DHE-RSA- -', 'AES AES128 AESCCM AESCCM8 TLSv1.2'],
  ['~AES128-CCM', 'ECDHE-ECDSA- DHE-RSA- -', 'AES AES128 AESCCM TLSv1.2'],
  ['~ARIA256-GCM-SHA384', 'ECDHE-ECDSA- ECDHE-RSA- DHE-RSA- DHE-DSS- -', 'ARIA ARIA256 ARIAGCM TLSv1.2'],
  ['~ARIA128-GCM-SHA256', 'ECDHE-ECDSA- ECDHE-RSA- DHE-RSA- DHE-DSS- -', 'ARIA ARIA128 ARIAGCM TLSv1.2'],
  ['AES256-SHA384', 'ECDHE-ECDSA- ECDHE-RSA-', 'AES AES256 SHA384 TLSv1.2'],
  ['AES128-SHA256', 'ECDHE-ECDSA- ECDHE-RSA- DHE-RSA- DHE-DSS- -', 'AES AES128 SHA256 TLSv1.2'],
  ['AES256-SHA256', 'DHE-RSA- DHE-DSS- -', 'AES AES256 SHA256 TLSv1.2'],
  ['~CAMELLIA256-SHA384', 'ECDHE-ECDSA- ECDHE-RSA-', 'CAMELLIA CAMELLIA256 SHA384 TLSv1.2'],
  ['~CAMELLIA256-SHA256', 'DHE-RSA- DHE-DSS- -', 'CAMELLIA CAMELLIA256 SHA256 TLSv1.2'],
  ['~CAMELLIA128-SHA256', 'ECDHE-ECDSA- ECDHE-RSA- DHE-RSA- DHE-DSS- -', 'CAMELLIA CAMELLIA128 SHA256 TLSv1.2'],
  ['AES256-SHA', 'ECDHE-ECDSA- ECDHE-RSA-', 'AES AES256 SHA SHA1 TLSv1 TLSv1.0'],
  ['AES128-SHA', 'ECDHE-ECDSA- ECDHE-RSA-', 'AES AES128 SHA SHA1 TLSv1 TLSv1.0'],
  ['AES256-SHA', 'DHE-RSA- DHE-DSS- -', 'AES AES256 SHA SHA1 SSLv3'],
  ['AES128-SHA', 'DHE-RSA- DHE-DSS- -', 'AES AES128 SHA SHA1 SSLv3'],
  ['~CAMELLIA256-SHA', 'DHE-RSA- DHE-DSS- -', 'CAMELLIA CAMELLIA256 SHA SHA1 SSLv3'],
  ['~CAMELLIA128-SHA', 'DHE-RSA- DHE-DSS- -', 'CAMELLIA CAMELLIA128 SHA SHA1 SSLv3'],
];

interface Cipher {
  readonly name: string;
  readonly words: ReadonlySet<string>;
  readonly isDefault: boolean;
}

/** The one family whose names leave the RSA of ECDHE out. */
const nameOf = (prefix: Prefix, encryption: string): string =>
  prefix === 'ECDHE-RSA-' && encryption.startsWith('ARIA') ? `ECDHE-${encryption}` : prefix + encryption;

const CIPHERS: readonly Cipher[] = ENCRYPTIONS.flatMap(([marked, exchanges, words]) => {
  const encryption = marked.replace('~', '');
  const existing = exchanges.split(' ').map((exchange) => (exchange === '-' ? '' : exchange));
  return PREFIXES.filter((prefix) => existing.includes(prefix)).map((prefix) => {
    const name = nameOf(prefix, encryption);
    return {
      name,
      words: new Set([name, 'ALL', 'HIGH', ...EXCHANGES[prefix], ...words.split(' ')]),
      isDefault: !marked.startsWith('~') && prefix !== 'DHE-DSS-',
    };
  });
});

const TLS13_SUITES = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_128_CCM_SHA256',
  'TLS_AES_128_CCM_8_SHA256',
] as const;
/** What OpenSSL offers when nothing is said. */
export const DEFAULT_SUITES: readonly string[] = TLS13_SUITES.slice(0, 3);
export const DEFAULT_CIPHERS = 'DEFAULT';

export const isCipherSuite = (name: string): boolean => TLS13_SUITES.some((known) => known === name);

/** Names of the ciphers that the list allows; empty: OpenSSL refuses it. Unknown words are passed over, as OpenSSL does. */
export const ciphersOf = (list: string): ReadonlySet<string> => {
  const allowed = new Set<Cipher>();
  const killed = new Set<Cipher>();
  const rest = list.slice(0, LIST_LENGTH_MAX).replace(/^DEFAULT(?::|$)/, () => {
    for (const cipher of CIPHERS) (cipher.isDefault ? allowed : killed).add(cipher); // ALL:!COMPLEMENTOFDEFAULT
    return '';
  });
  for (const rule of rest.split(/[:,; ]+/)) {
    const [, sign = '', words = ''] = /^([!+-]?)(.*)$/.exec(rule) ?? [];
    if (words === '' || words.startsWith('@')) continue;
    const conditions = conditionsOf(words);
    for (const cipher of CIPHERS.filter((each) => conditions.every((word) => meets(each, word)))) {
      if (sign === '-' || sign === '!') allowed.delete(cipher);
      if (sign === '!') killed.add(cipher);
      if (sign === '' && !killed.has(cipher)) allowed.add(cipher);
    }
  }
  return new Set([...allowed].map((cipher) => cipher.name));
};

/** The first word that has a strength, a cipher's name or HIGH, takes COMPLEMENTOFDEFAULT before it back. [OpenSSL ssl_ciph.c] */
function conditionsOf(words: string): readonly string[] {
  const parts = words.split('+');
  const strongAt = parts.findIndex((word) => word === 'HIGH' || CIPHERS.some(({ name }) => name === word));
  return parts.filter((word, at) => word !== 'COMPLEMENTOFDEFAULT' || at > strongAt);
}

const meets = (cipher: Cipher, word: string): boolean =>
  word === 'COMPLEMENTOFDEFAULT' ? !cipher.isDefault : cipher.words.has(word);

/** Whether a server whose key is of this type can use the cipher. Ed25519 counts as ECDSA [RFC 8422 5.10]. */
export const servesCipher = (keyType: string, cipher: string): boolean => {
  if (cipher.startsWith('ECDHE-ECDSA-')) return keyType === 'ec' || keyType === 'ed25519' || keyType === 'ed448';
  if (cipher.startsWith('DHE-DSS-')) return keyType === 'dsa';
  return keyType === 'rsa';
};
