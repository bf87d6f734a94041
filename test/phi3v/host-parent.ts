/** Starts a model host, tells its pid and waits to be killed. */
import { startModelHost } from '../../phi3v/index.ts';

const [, , folder = ''] = process.argv;
const host = await startModelHost({ folder, threads: 1 });
process.send?.(host.pid);
