import type { RunConfig } from './archive.ts'

/** How a container of the image runs. */
export const RUN_CONFIG: RunConfig = {
  // Without the two limits V8 grows its heap to a share of the machine before it collects.
  Entrypoint: ['/usr/bin/node', '--max-semi-space-size=2', '--max-old-space-size=64', '/app/agent.cjs'],
  Env: [
    'PATH=/usr/sbin:/usr/bin',
    'NODE_ENV=production',
    // glibc keeps freed memory in one arena per thread, and trims late, unless told otherwise (mallopt(3)).
    'MALLOC_ARENA_MAX=1',
    'MALLOC_TRIM_THRESHOLD_=131072',
    // A flush or read of a disk that does not answer keeps a thread of Node's pool for as long. With the usual four,
    // four such disks would stop every access to a file, mounts for pods included.
    'UV_THREADPOOL_SIZE=32',
  ],
  WorkingDir: '/app',
  Labels: {
    'org.opencontainers.image.title': 'Loam agent',
    'org.opencontainers.image.licenses': 'Apache-2.0',
  },
}
