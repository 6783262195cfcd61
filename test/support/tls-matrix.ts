/**
 * Replica Of over TLS between two clusters, as tables that run over both worlds: who may speak to an endpoint in which mode, and what each
 * mistake is called at the destination, and that doing as told mends it. [RS tls_mode]
 *
 * *west*'s `copy` replicates *east*'s `orders`. Certificates last from 2000 to 2100, since the simulated world has its own time; those that
 * must expire are made in the story.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { makeSelfSigned } from '../../src/cluster/certificates/x509.ts';
import { makeClusterCertificate } from '../../src/cluster/certificates/cluster-certificates.ts';
import { eventually } from '../../src/sandbox/eventually.ts';
import { ProblemError, type DatabaseEdit, type Sandbox, type SandboxCluster } from '../../src/sandbox/sandbox.ts';
import { SeededRandom } from '../../src/world/random.ts';
import type { ClientTls, Connection, World } from '../../src/world/world.ts';
import { generateCertificate } from './certificates.ts';

export interface TlsStory {
  readonly world: World;
  readonly sandbox: Sandbox;
}

/** Starts east and west, tells the story, ends them. */
export type TellStory = (story: (told: TlsStory) => Promise<void>) => Promise<void>;

type TlsMode = 'disabled' | 'replica_ssl' | 'enabled';
interface Pair {
  readonly certificate: string;
  readonly key: string;
}

const PATIENCE_MS = 20_000;
/** Longer than what is left of a second when a certificate is made, and than the story up to the certificate's end. */
const SHORT_LIFE_MS = 5_000;

const east = ({ sandbox }: TlsStory): SandboxCluster => sandbox.cluster('east.local');
const west = ({ sandbox }: TlsStory): SandboxCluster => sandbox.cluster('west.local');

/** What a client meets at `orders`: PONG, or why not. It speaks first, as clients of Redis do. */
const probe = async (told: TlsStory, tls: ClientTls | null): Promise<string> => {
  const { host, port } = east(told).database('orders');
  const outcome = await told.world.network.from('127.0.0.1').connect({ host, port }, { tls, timeoutMs: 5_000 });
  return outcome.ok ? ping(outcome.connection) : outcome.why;
};

const ping = (connection: Connection, request = 'PING'): Promise<string> =>
  new Promise((resolve) => {
    connection.handle({
      data: (chunk) => {
        resolve(chunk.toString('latin1').trim());
        connection.destroy();
      },
      closed: () => resolve('closed'),
    });
    connection.write(`${request}\r\n`);
  });

const pin = (told: TlsStory, own: Pair | null = null, more: Partial<ClientTls> = {}): ClientTls => ({
  trusted: [east(told).proxyCertificate],
  serverName: 'redis-12000.east.local',
  ...own,
  ...more,
});

const setSource = async (told: TlsStory, mode: TlsMode, edit: DatabaseEdit = {}): Promise<void> => {
  const clientCertificates = [west(told).syncerCertificate];
  await east(told).updateDatabase('orders', { tlsMode: mode, clientCertificates, ...edit });
};

interface SourceChoice {
  readonly encryption?: boolean;
  readonly serverCertificate?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  readonly serverName?: string;
}

const replicate = async (told: TlsStory, choice: SourceChoice = {}): Promise<void> => {
  const source = {
    uri: east(told).database('orders').sourceUrl(),
    encryption: true,
    serverCertificate: east(told).proxyCertificate,
    ...choice,
  };
  await west(told).updateDatabase('copy', { replicaSources: [source], replicaSync: 'enabled' });
};

const lastError = (told: TlsStory): string => west(told).database('copy').status().sources[0]?.lastError ?? '';

const expectTrouble = async (told: TlsStory, cause: RegExp, advice: RegExp): Promise<void> => {
  const isTold = (): boolean => cause.test(lastError(told)) && advice.test(lastError(told));
  if (!(await eventually(told.world.clock, isTold, PATIENCE_MS))) expect(lastError(told)).toMatch(cause);
  expect(lastError(told)).toMatch(advice);
  // A connection that cannot be made is tried again for ever: nothing stops.
  expect(west(told).database('copy').status().replicaSync).toBe('enabled');
};

const expectSync = async (told: TlsStory): Promise<void> => {
  await west(told).database('copy').inSync({ timeoutMs: PATIENCE_MS });
  expect(lastError(told)).toBe('');
  expect(west(told).database('copy').status().keys).toBe(KEYS);
};

/** Some data before anything is encrypted. */
const fill = async ({ world, sandbox }: TlsStory): Promise<void> => {
  const { host, port } = sandbox.cluster('east.local').database('orders');
  const dialled = await world.network.connect({ host, port }, { timeoutMs: 5_000 });
  if (!dialled.ok) throw new Error(dialled.detail);
  expect(await ping(dialled.connection, 'MSET a 1 b 2 c 3')).toBe('+OK');
};
const KEYS = 3;

/** The syncer dials again. */
const cut = ({ sandbox }: TlsStory): void => {
  expect(sandbox.faults.cut('west.local', 'east.local')).toBeGreaterThan(0);
};

const strangers = new SeededRandom('strangers');
const freshOf = (told: TlsStory, fqdn: string, name: 'proxy' | 'syncer'): Pair =>
  makeClusterCertificate({ clock: told.world.clock, random: strangers }, fqdn, name);

const shortLived = (told: TlsStory): Pair => {
  const nowMs = told.world.clock.now();
  return makeSelfSigned(strangers, 'ecdsa-p256', {
    commonName: 'short.lived',
    organizationalUnit: 'syncer',
    organization: 'Example',
    dnsNames: ['short.lived'],
    addresses: [],
    validFromMs: nowMs - 60_000,
    validToMs: nowMs + SHORT_LIFE_MS,
  });
};

interface Mistake {
  readonly says: string;
  /** From a source with tls_mode replica_ssl that trusts west's syncer, to the trouble. */
  readonly make: (told: TlsStory) => Promise<void>;
  readonly cause: RegExp;
  readonly advice: RegExp;
  readonly mend: (told: TlsStory) => Promise<void>;
}

export const tlsMatrix = (name: string, start: TellStory): void => {
  const tell: TellStory = (story) =>
    start(async (told) => {
      await fill(told);
      await story(told);
    });
  let weak: Pair;
  beforeAll(async () => {
    const [notBefore, notAfter] = [new Date('2000-01-01'), new Date('2100-01-01')];
    weak = await generateCertificate({ cn: 'weak.client', rsaBits: 1024, notBefore, notAfter });
  });

  const mistakes: readonly Mistake[] = [
    {
      says: 'a wrong server_cert',
      make: (told) => replicate(told, { serverCertificate: west(told).proxyCertificate }),
      cause:
        /certificate-untrusted: redis-12000\.east\.local:12000: certificate CN=east\.local, OU=redisdb, .* is neither pinned/,
      advice: /give the present proxy certificate of the source cluster as server_cert/,
      mend: (told) => replicate(told),
    },
    {
      says: "the destination's syncer certificate is not listed at the source",
      make: async (told) => {
        await setSource(told, 'replica_ssl', { clientCertificates: [east(told).syncerCertificate] });
        await replicate(told);
      },
      cause: /client-certificate-refused: .* refused our certificate CN=west\.local, OU=syncer, .* \(valid until/,
      advice:
        /add the destination cluster's syncer certificate to authentication_ssl_client_certs of the source database/,
      mend: (told) => setSource(told, 'replica_ssl'),
    },
    {
      says: 'the destination is configured before the source has TLS',
      make: async (told) => {
        await setSource(told, 'disabled');
        await replicate(told);
      },
      cause: /tls-not-offered/,
      advice: /set tls_mode of the source database to "enabled" or "replica_ssl"/,
      mend: (told) => setSource(told, 'replica_ssl'),
    },
    {
      says: 'encryption is off where the source takes TLS only',
      make: async (told) => {
        await setSource(told, 'enabled');
        await replicate(told, { encryption: false });
      },
      cause: /reset: /,
      advice: /set encryption of this source to true and give the proxy certificate of its cluster as server_cert/,
      mend: (told) => replicate(told),
    },
    {
      says: 'the source rotates its proxy certificate',
      make: async (told) => {
        await replicate(told);
        await expectSync(told);
        east(told).replaceCertificates([{ name: 'proxy', ...freshOf(told, 'east.local', 'proxy') }]);
        await expectSync(told); // the running connection lives on
        cut(told);
      },
      cause: /certificate-untrusted: /,
      advice: /give the present proxy certificate/,
      mend: (told) => replicate(told),
    },
    {
      says: 'the destination rotates its syncer certificate',
      make: async (told) => {
        await replicate(told);
        await expectSync(told);
        west(told).replaceCertificates([{ name: 'syncer', ...freshOf(told, 'west.local', 'syncer') }]);
        await expectSync(told);
        cut(told);
      },
      cause: /client-certificate-refused: .*CN=west\.local, OU=syncer/,
      advice: /authentication_ssl_client_certs/,
      mend: (told) => setSource(told, 'replica_ssl'),
    },
    {
      says: 'a client certificate of its own that expires',
      make: async (told) => {
        const own = shortLived(told);
        await setSource(told, 'replica_ssl', { clientCertificates: [own.certificate] });
        await replicate(told, { clientCertificate: own.certificate, clientKey: own.key });
        await expectSync(told);
        const endMs = told.world.clock.now() + SHORT_LIFE_MS;
        await eventually(told.world.clock, () => told.world.clock.now() > endMs, PATIENCE_MS);
        cut(told);
      },
      cause: /client-certificate-refused: .*CN=short\.lived, .* \(it expired at/,
      advice: /mtls_allow_outdated_certs/,
      mend: async (told) => {
        await east(told).updateDatabase('orders', { settings: { mtls_allow_outdated_certs: true } });
      },
    },
    {
      says: 'a weak client certificate of its own',
      make: async (told) => {
        await setSource(told, 'replica_ssl', { clientCertificates: [weak.certificate] });
        await replicate(told, { clientCertificate: weak.certificate, clientKey: weak.key });
      },
      cause: /client-certificate-refused: .*CN=weak\.client/,
      advice: /mtls_allow_weak_hashing/,
      mend: async (told) => {
        await east(told).updateDatabase('orders', { settings: { mtls_allow_weak_hashing: true } });
      },
    },
    {
      says: 'a replication_tls_sni that the certificate does not bear',
      make: (told) => replicate(told, { serverName: 'redis-12000.north.local' }),
      cause:
        /certificate-name-mismatch: .*asked for redis-12000\.north\.local, presented DNS:east\.local, DNS:\*\.east\.local/,
      advice: /give one of these names as replication_tls_sni/,
      mend: (told) => replicate(told, { serverName: 'redis-12000.east.local' }),
    },
    {
      says: 'a subject that is not an authorized one, by name',
      make: async (told) => {
        const settings = { client_cert_subject_validation_type: 'san_cn' } as const;
        await setSource(told, 'replica_ssl', { settings, authorizedSubjects: [{ CN: 'north.local' }] });
        await replicate(told);
      },
      cause: /client-certificate-refused: .*CN=west\.local/,
      advice: /client_cert_subject_validation_type/,
      mend: async (told) => {
        await east(told).updateDatabase('orders', { authorizedSubjects: [{ CN: 'west.local' }] });
      },
    },
    {
      says: 'a subject that is not an authorized one, in full',
      make: async (told) => {
        const settings = { client_cert_subject_validation_type: 'full_subject' } as const;
        await setSource(told, 'replica_ssl', { settings, authorizedSubjects: [{ CN: 'west.local', OU: ['app'] }] });
        await replicate(told);
      },
      cause: /client-certificate-refused: .*CN=west\.local/,
      advice: /client_cert_subject_validation_type/,
      mend: async (told) => {
        await east(told).updateDatabase('orders', { authorizedSubjects: [{ CN: 'west.local', OU: ['syncer'] }] });
      },
    },
  ];

  describe(`TLS between two clusters in the ${name} world`, () => {
    const modes: readonly (readonly [
      mode: TlsMode,
      plain: string,
      tls: string,
      plainSync: RegExp | null,
      tlsSync: RegExp | null,
    ])[] = [
      ['disabled', '+PONG', 'tls-not-offered', null, /tls-not-offered/],
      ['replica_ssl', '+PONG', '+PONG', /TLS is required for replication/, null],
      ['enabled', 'closed', '+PONG', /reset: /, null],
    ];
    for (const [mode, plain, tls, plainSync, tlsSync] of modes) {
      test(`tls_mode ${mode}: plain client, TLS client, plain syncer and TLS syncer`, () =>
        tell(async (told) => {
          await setSource(told, mode);
          const { certificate, key } = west(told).control.state.certificates.syncer;
          expect(await probe(told, null)).toBe(plain);
          expect(await probe(told, pin(told, { certificate, key }))).toBe(tls);
          for (const [encryption, trouble] of [
            [false, plainSync],
            [true, tlsSync],
          ] as const) {
            await replicate(told, encryption ? {} : { encryption, serverCertificate: '' });
            if (trouble === null) await expectSync(told);
            else
              expect(await eventually(told.world.clock, () => trouble.test(lastError(told)), PATIENCE_MS)).toBe(true);
          }
        }));
    }

    test('client authentication enforced: only a listed certificate is let in; not enforced: any client is', () =>
      tell(async (told) => {
        const listed = freshOf(told, 'app.local', 'syncer');
        const other = freshOf(told, 'app.local', 'syncer');
        await setSource(told, 'enabled', { clientCertificates: [listed.certificate] });
        expect(await probe(told, pin(told, listed))).toBe('+PONG');
        expect(await probe(told, pin(told, other))).toBe('client-certificate-refused');
        expect(await probe(told, pin(told))).toBe('client-certificate-refused');
        await setSource(told, 'enabled', { clientCertificates: [], crdtCertificates: [other.certificate] });
        expect(await probe(told, pin(told, other))).toBe('+PONG');
        expect(await probe(told, pin(told, listed))).toBe('client-certificate-refused');
        await setSource(told, 'enabled', {
          clientCertificates: [],
          crdtCertificates: [],
          enforceClientAuthentication: false,
        });
        for (const own of [null, listed, other]) expect(await probe(told, pin(told, own))).toBe('+PONG');
        await east(told).updateDatabase('orders', { passwords: ['secret'] });
        expect(await probe(told, pin(told))).toBe('-NOAUTH Authentication required');
      }));

    test('a change of TLS concerns new connections only', () =>
      tell(async (told) => {
        const { host, port } = east(told).database('orders');
        const dialled = await told.world.network.connect({ host, port }, { timeoutMs: 5_000 });
        if (!dialled.ok) throw new Error(dialled.detail);
        dialled.connection.handle({ data: () => undefined, closed: () => undefined });
        await setSource(told, 'enabled');
        expect(await probe(told, null)).toBe('closed');
        expect(await ping(dialled.connection)).toBe('+PONG');
      }));

    test('encryption without server_cert is refused and changes nothing', () =>
      tell(async (told) => {
        await setSource(told, 'replica_ssl');
        const before = west(told).control.state;
        const refused = await replicate(told, { serverCertificate: '' }).catch((error: unknown) => error);
        expect(refused).toBeInstanceOf(ProblemError);
        expect(refused).toMatchObject({
          code: 'invalid_certificate',
          message: expect.stringContaining('server_cert is missing'),
        });
        expect(west(told).control.state).toBe(before);
      }));

    for (const { says, make, cause, advice, mend } of mistakes) {
      test(`${says}: the destination says so, tries again, and is in sync once mended as told`, () =>
        tell(async (told) => {
          await setSource(told, 'replica_ssl');
          await make(told);
          await expectTrouble(told, cause, advice);
          await mend(told);
          await expectSync(told);
        }));
    }
  });
};
