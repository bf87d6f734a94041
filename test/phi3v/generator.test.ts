import { connectEndpoint, startModelHost } from '../../phi3v/index.ts';
import { serveGenerator } from '../workers/served-model.ts';
import { generatorContract } from './generator-contract.ts';

generatorContract('the model host', (folder) => startModelHost({ folder, threads: 1 }));

generatorContract('an endpoint', async (folder) => {
  const host = await startModelHost({ folder, threads: 1 });
  const served = await serveGenerator(host);
  const remote = await connectEndpoint({ url: served.url });
  return {
    info: remote.info,
    generate: remote.generate,
    async [Symbol.asyncDispose]() {
      await remote[Symbol.asyncDispose]();
      await served[Symbol.asyncDispose]();
      await host[Symbol.asyncDispose]();
    },
  };
});
