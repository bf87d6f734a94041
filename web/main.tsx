import { render } from 'preact';
import { App } from './app.tsx';
import { createServerConnection } from './shared/index.ts';

const root = document.getElementById('app');
if (root) render(<App server={createServerConnection(window.sessionStorage)} />, root);
