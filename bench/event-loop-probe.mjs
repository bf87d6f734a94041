/** Loaded with `--import` into a process: at its end, writes how long its event loop was held up, in milliseconds, to a file. */
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const folder = process.env.EVENT_LOOP_PROBE;
if (folder) {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  // The start of a process compiles and loads; what is asked about is its work.
  setTimeout(() => delay.enable(), 5000).unref();
  process.on('exit', () => {
    const role = process.argv.slice(2).join(' ') || process.argv[1]?.split('/').at(-1);
    const [p50, p99, max] = [delay.percentile(50), delay.percentile(99), delay.max].map((ns) => ns / 1e6);
    writeFileSync(`${folder}/${process.pid}.json`, JSON.stringify({ role, p50, p99, max }));
  });
}
