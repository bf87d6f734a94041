/** What a drill is, and what drills share: a folder, seeded chance, and undisturbed runs to compare with. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Random, seededRandom } from '../../world/random.ts';
import { deploy } from './deployment.ts';
import { type Run, summarize } from './run.ts';
import { makeScene, type Scene, type SceneOptions } from './scene.ts';

export interface Outcome {
  /** What was done to the system. */
  readonly injected: string;
  /** What is missing, wrong or left behind afterwards. Must be nothing. */
  readonly lost: readonly string[];
  /** What had to be done twice, and how long things took. */
  readonly redone: string;
  /** Why the drill could not be held on this machine. */
  readonly skipped?: string;
}

export interface Drill {
  readonly name: string;
  /** One sentence: the rule that is put to the test. */
  readonly rule: string;
  run(ground: Ground): Promise<Outcome>;
}

export interface Ground extends AsyncDisposable {
  /** For what a drill makes; removed at the end of all drills. */
  readonly folder: string;
  readonly seed: number;
  readonly random: Random;
  scene(options: SceneOptions): Promise<Scene>;
  /** The run of a scene that nobody disturbs, made once. */
  undisturbed(scene: Scene): Promise<Run>;
}

export async function openGround(seed: number): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'frameloom-drills-'));
  const scenes = new Map<string, Promise<Scene>>();
  const runs = new Map<string, Promise<Run>>();
  return {
    folder,
    seed,
    random: seededRandom(seed),
    scene: (options) => once(scenes, JSON.stringify(options), () => makeScene(folder, options)),
    undisturbed: (scene) =>
      once(runs, scene.name, async () => {
        await using deployment = await deploy({ env: scene.env });
        return await summarize(deployment, scene);
      }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function once<T>(made: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const value = made.get(key) ?? make();
  made.set(key, value);
  return value;
}
