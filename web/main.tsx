import { render } from 'preact';
import { App } from './app.tsx';
import { connect } from './shared/index.ts';

const root = document.getElementById('app');
if (root) render(<App server={connect(window.sessionStorage)} />, root);
