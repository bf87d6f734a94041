import { useEffect, useState } from 'preact/hooks';
import { parseRoute, type Route } from './route.ts';

/** Returns the current route and functions to change it. `replace` adds no entry to the browser history. */
export function useRoute(): { route: Route; push: (href: string) => void; replace: (href: string) => void } {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const update = (): void => setRoute(parseRoute(location.hash));
    addEventListener('hashchange', update);
    return () => removeEventListener('hashchange', update);
  }, []);
  return {
    route,
    push: (href) => {
      location.hash = href;
    },
    replace: (href) => {
      history.replaceState(null, '', href);
      setRoute(parseRoute(href));
    },
  };
}
