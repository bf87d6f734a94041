import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { HomePage } from './home/index.ts';
import { JobPage } from './job/index.ts';
import { jobHref, PageHeader, type Server, ServerContext, useRoute } from './shared/index.ts';

/** The whole console. */
export function App({ server }: { readonly server: Server }): JSX.Element {
  const { route, push, replace } = useRoute();
  // Videos sent in this session can be played from disk, without fetching them back. A reload forgets them.
  const localVideos = useRef(new Map<string, File>());
  const view = route.page === 'home' ? 'home' : route.id;
  const shown = useRef(view);
  useEffect(() => {
    // What had the focus is gone with the last view; the keyboard goes on at the start of the new one.
    if (shown.current !== view) document.getElementById('main')?.focus();
    shown.current = view;
  }, [view]);
  const started = (id: string, video: File | undefined): void => {
    if (video) localVideos.current.set(id, video);
    push(jobHref(id));
  };
  return (
    <ServerContext.Provider value={server}>
      {/* biome-ignore lint/a11y/useValidAnchor: it leads to a place on this page, and without a script it works too */}
      <a class="skip-link" href="#main" onClick={focusMain}>
        Skip to content
      </a>
      <PageHeader atHome={route.page === 'home'} />
      <main id="main" tabIndex={-1}>
        {route.page === 'home' ? (
          <HomePage onStarted={started} />
        ) : (
          <JobPage
            key={route.id}
            id={route.id}
            frame={route.frame}
            localVideo={localVideos.current.get(route.id)}
            onSelect={(frame) => replace(jobHref(route.id, frame))}
          />
        )}
      </main>
    </ServerContext.Provider>
  );
}

/** The fragment names the view, so the link may not change it. */
function focusMain(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}
