export { ApiError, createClient, type FrameloomClient } from './client.ts';
