/**
 * The processes of one embedded system: started together, listed in the home folder, and stopped together.
 */
import { identifyProcess } from '../../core/processes.ts';
import type { ChildProcessError } from './child-process-error.ts';
import type { HomeLock } from './home-lock.ts';
import { type ProcessSpec, type SupervisedProcess, startSupervisedProcess } from './supervised-process.ts';

export interface SystemAddresses {
  /** Address of the API. */
  readonly url?: string;
  /** Frontend of Temporal, host:port. */
  readonly temporal?: string;
}

export interface ProcessGroup {
  /** `stopLast`: the other processes need this one while they shut down. */
  start<Ready>(spec: ProcessSpec<Ready>, options?: { readonly stopLast: boolean }): SupervisedProcess<Ready>;
  /** Processes running now; a restarted one has a new id. */
  list(): readonly { readonly name: string; readonly pid: number }[];
  /** Records the addresses in the home folder, beside the processes. */
  publish(addresses: SystemAddresses): Promise<void>;
  /** Resolves when a process has died at every restart. */
  readonly failed: Promise<ChildProcessError>;
  /**
   * Stops all processes and releases the home folder. A process that has not ended after `graceMs`
   * milliseconds is killed. May be called more than once.
   */
  stop(graceMs: number): Promise<void>;
}

/** `onMessage` gets a line of text for each restart and each logged error. */
export function createProcessGroup(lock: HomeLock, onMessage: (line: string) => void): ProcessGroup {
  const children: SupervisedProcess<unknown>[] = [];
  const stoppedLast = new Set<SupervisedProcess<unknown>>();
  let addresses: SystemAddresses = {};
  let publishing = Promise.resolve();
  let stopped: Promise<void> | undefined;
  let resolveFailed: (error: ChildProcessError) => void = () => {};
  const failed = new Promise<ChildProcessError>((resolve) => {
    resolveFailed = resolve;
  });

  const list: ProcessGroup['list'] = () =>
    children.flatMap(({ name, pid }) => {
      const id = pid();
      return id === undefined ? [] : [{ name, pid: id }];
    });

  const publish = (): Promise<void> => {
    publishing = publishing
      .then(() =>
        lock.publish({ ...addresses, processes: list().map(({ name, pid }) => identifyProcess(name, pid)) }),
      )
      .catch(() => {}); // only other commands need the record; a full disk is reported by the processes
    return publishing;
  };

  async function stopAll(graceMs: number): Promise<void> {
    await Promise.all(
      children.filter((child) => !stoppedLast.has(child)).map((child) => child.stop(graceMs)),
    );
    await Promise.all([...stoppedLast].map((child) => child.stop(graceMs)));
    await publishing;
    await lock.release();
  }

  return {
    start(spec, { stopLast } = { stopLast: false }) {
      const child = startSupervisedProcess(spec, {
        onMessage,
        onChange: () => void publish(),
        onFailed: resolveFailed,
      });
      children.push(child);
      if (stopLast) stoppedLast.add(child);
      return child;
    },
    list,
    publish(found) {
      addresses = { ...addresses, ...found };
      return publish();
    },
    failed,
    stop(graceMs) {
      stopped ??= stopAll(graceMs);
      return stopped;
    },
  };
}
