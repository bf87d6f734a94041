export { connectEndpoint, type EndpointOptions, type RemoteGenerator } from './remote-generator.ts';
