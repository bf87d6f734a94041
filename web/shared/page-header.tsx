import type { JSX } from 'preact';
import { HOME_HREF } from './route.ts';

export function PageHeader({ atHome }: { readonly atHome: boolean }): JSX.Element {
  return (
    <header class="page-header">
      <div class="page-header__inner">
        <a class="brand" href={HOME_HREF} aria-current={atHome ? 'page' : undefined}>
          <Logo />
          Frameloom
        </a>
        <nav aria-label="Site">
          {!atHome && <a href={HOME_HREF}>New summary</a>}
          <a href="/docs">API</a>
        </nav>
      </div>
    </header>
  );
}

function Logo(): JSX.Element {
  return (
    <svg class="brand__logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect class="brand__ground" width="32" height="32" rx="7" />
      <rect x="7" y="7" width="5" height="11" rx="1.5" />
      <rect x="13.5" y="7" width="5" height="18" rx="1.5" opacity=".72" />
      <rect x="20" y="7" width="5" height="7" rx="1.5" />
      <rect x="7" y="21" width="5" height="4" rx="1.5" opacity=".72" />
      <rect x="20" y="17" width="5" height="8" rx="1.5" opacity=".72" />
    </svg>
  );
}
