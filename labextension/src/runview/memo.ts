import { Component, type ComponentChild, type FunctionComponent } from 'preact';

/** A view that is drawn again only where one of its properties is another one. */
export function memo<P extends object>(view: (props: P) => ComponentChild): FunctionComponent<P> {
  class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      const before = this.props as Record<string, unknown>;
      return Object.entries(next).some(([name, value]) => value !== before[name]);
    }
    override render(): ComponentChild {
      return view(this.props);
    }
  }
  return Memo as unknown as FunctionComponent<P>;
}
