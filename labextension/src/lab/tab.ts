/** What this browser tab had open in a kernel, kept over a reload of the page. */
export interface Opened {
  subshell: string | null;
  comms: string[];
}

const KEY = 'agentnb:';

export function recall(kernelId: string): Opened {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEY + kernelId) ?? '') as Partial<Opened>;
    return { subshell: found.subshell ?? null, comms: found.comms ?? [] };
  } catch {
    return { subshell: null, comms: [] }; // nothing kept, or no storage
  }
}

export function remember(kernelId: string, opened: Opened): void {
  try {
    sessionStorage.setItem(KEY + kernelId, JSON.stringify(opened));
  } catch {
    // without storage a reload leaves a subshell behind; the kernel's end takes it along
  }
}
