import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { HomePage } from './home/index.ts';
import { JobPage } from './job/index.ts';
import { jobHref, PageHeader, type ServerConnection, ServerContext, useRoute } from './shared/index.ts';

/** The whole console. */
export function App({ server }: { readonly server: ServerConnection }): JSX.Element {
  const { route, push, replace } = useRoute();
  // Videos uploaded in this session are played from disk, without a download. A reload clears the list.
  const localVideos = useRef(new Map<string, File>());
  const view = route.page === 'home' ? 'home' : route.id;
  const previousView = useRef(view);
  useEffect(() => {
    // The focused element is removed with the last view: move the focus to the start of the new one.
    if (previousView.current !== view) document.getElementById('main')?.focus();
    previousView.current = view;
  }, [view]);
  const onStarted = (id: string, video: File | undefined): void => {
    if (video) localVideos.current.set(id, video);
    push(jobHref(id));
  };
  return (
    <ServerContext.Provider value={server}>
      {/* biome-ignore lint/a11y/useValidAnchor: it links to an element of this page, also without JavaScript */}
      <a class="skip-link" href="#main" onClick={focusMain}>
        Skip to content
      </a>
      <PageHeader atHome={route.page === 'home'} />
      <main id="main" tabIndex={-1}>
        {route.page === 'home' ? (
          <HomePage onStarted={onStarted} />
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

/** The URL fragment is the route, so the link must not change it. */
function focusMain(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}
