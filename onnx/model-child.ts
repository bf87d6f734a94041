/** Child processes that run models. */
import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ModelError } from './model-error.ts';

/** How much of the end of the process's error output is kept to explain a crash. */
const MAX_STDERR_CHARS = 4000;

/**
 * Starts the module at `source`, a URL with its source name, from source or compiled as this module is. With
 * `advanced` serialization, binary data is sent as it is.
 */
export function forkModelChild(source: URL, serialization: 'json' | 'advanced'): ChildProcess {
  const fromSource = import.meta.url.endsWith('.ts');
  const entry = fromSource ? source : new URL(source.href.replace(/\.ts$/, '.js'));
  const loader = fromSource
    ? ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href]
    : [];
  return fork(fileURLToPath(entry), [], {
    execArgv: loader,
    serialization,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
}

/** Resolves with a `crashed` error when the process has ended, whatever the reason. */
export async function whenModelChildEnded(child: ChildProcess): Promise<ModelError> {
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-MAX_STDERR_CHARS);
  });
  const exit = await new Promise<string>((resolve) => {
    // `close` is emitted after `exit`, when all error output has been read.
    child.once('close', (code, signal) => resolve(`exit ${code ?? signal}`));
    child.once('error', (error) => resolve(error.message));
  });
  return new ModelError('crashed', 'The model process ended unexpectedly.', {
    cause: new Error(`${exit}\n${stderr}`),
  });
}
