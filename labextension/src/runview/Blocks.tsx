import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Row } from './rows';

/** Fewer rows than this are simply drawn. */
const FEW = 120;
const SIZE = 20;
const ROW_HEIGHT = 27;

/** Long lists in blocks, of which only those near the screen are drawn; it works in whatever scrolls around the view. */
export function Blocks({ rows, draw, keep }: { rows: Row[]; draw(row: Row): JSX.Element; keep: string | undefined }): JSX.Element {
  if (rows.length <= FEW) return <>{rows.map(draw)}</>;
  const blocks = Array.from({ length: Math.ceil(rows.length / SIZE) }, (_, index) => rows.slice(index * SIZE, (index + 1) * SIZE));
  return (
    <>
      {blocks.map((block, index) => (
        <Block key={index} rows={block} draw={draw} first={index === 0} keep={block.some(row => row.id === keep)} />
      ))}
    </>
  );
}

function Block({ rows, draw, first, keep }: { rows: Row[]; draw(row: Row): JSX.Element; first: boolean; keep: boolean }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const height = useRef(0);
  const [near, setNear] = useState(first);
  useEffect(() => {
    const element = place.current;
    if (!element || typeof IntersectionObserver === 'undefined') return setNear(true);
    return watch(element, (isNear, tall) => {
      if (!isNear) height.current = tall;
      setNear(isNear);
    });
  }, []);
  const drawn = near || keep;
  return (
    <div ref={place} role="none" class="agentnb-rows" style={drawn ? {} : { height: `${height.current || rows.length * ROW_HEIGHT}px` }}>
      {drawn && rows.map(draw)}
    </div>
  );
}

type Seen = (isNear: boolean, height: number) => void;

const watched = new WeakMap<Element, Seen>();
let observer: IntersectionObserver | undefined;

/** Tells whether `element` is near the screen, now and whenever that changes; one observer for all, for each takes 2 ms to make. */
function watch(element: Element, seen: Seen): () => void {
  observer ??= new IntersectionObserver(
    entries => {
      for (const { target, isIntersecting, boundingClientRect } of entries) watched.get(target)?.(isIntersecting, boundingClientRect.height);
    },
    { rootMargin: '800px 0px' }
  );
  watched.set(element, seen);
  observer.observe(element);
  return () => observer?.unobserve(element);
}
