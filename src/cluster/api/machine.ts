/**
 * The machine that a node is said to be. Nodes share one process on whatever computer this is, and answers must not depend on it, so
 * these facts are the same everywhere: a small server with Linux. [RS recorded nodes]
 */

export const MACHINE = {
  architecture: 'x86_64',
  cores: 4,
  total_memory: 8 * 1024 ** 3,
  os_name: 'ubuntu',
  os_family: 'ubuntu',
  os_semantic_version: '22.04',
  os_version: 'Ubuntu 22.04 LTS',
  software_version: '8.0.2-17',
  fips_enabled: false,
  bigredis_storage_path: '/var/opt/redislabs/flash',
  ephemeral_storage_path: '/var/opt/redislabs/tmp',
  ephemeral_storage_size: 100 * 1024 ** 3,
  persistent_storage_path: '/var/opt/redislabs/persist',
  persistent_storage_size: 100 * 1024 ** 3,
  supported_database_versions: [{ db_type: 'redis', major: true, redis_version: '7.4', version: '7.4.2' }],
} as const;
