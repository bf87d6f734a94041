/** `frameloom serve-model` as a process of its own, on a free port. */
import { spawn } from 'node:child_process';
import { commandEntry } from '../../cli/package-root.ts';
import { cleanEnv } from './run-frameloom.ts';

export interface ServeModelProcess extends AsyncDisposable {
  /** What to set FRAMELOOM_MODEL_URL to. */
  readonly url: string;
  /** Stops it and returns its exit code. */
  stop(): Promise<number | null>;
}

/** Waits until it is ready. Rejects with its output when it ends before. */
export async function runServeModel(
  settings: Readonly<Record<string, string>> = {},
): Promise<ServeModelProcess> {
  const child = spawn(process.execPath, [...commandEntry(), 'serve-model', '--port', '0'], {
    env: cleanEnv(settings),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  let stderr = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      const [, found] = /served at (\S+)/.exec(stderr) ?? [];
      if (found !== undefined) resolve(found);
    });
    void ended.then((code) => reject(new Error(`serve-model ended with ${code}: ${stderr}`)));
  });
  const stop = (): Promise<number | null> => {
    child.kill('SIGTERM');
    return ended;
  };
  return {
    url,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}
