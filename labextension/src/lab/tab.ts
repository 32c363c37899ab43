/** What this browser has open in a kernel: the comms are this tab's, the subshell is for all of its tabs. */
export interface Opened {
  subshell: string | null;
  comms: string[];
}

const KEY = 'agentnb:';
const KERNELS = 30; // whose subshells are remembered; a kernel that is forgotten gets another one

/** What a tab that was closed or reloaded left behind. */
export function recall(kernelId: string): Opened {
  try {
    const subshell = subshells().find(([kernel]) => kernel === kernelId)?.[1] ?? null;
    return { subshell, comms: read<string[]>(sessionStorage, KEY + kernelId) ?? [] };
  } catch {
    return { subshell: null, comms: [] }; // no storage
  }
}

export function remember(kernelId: string, opened: Opened): void {
  try {
    sessionStorage.setItem(KEY + kernelId, JSON.stringify(opened.comms));
    if (opened.subshell === null) return;
    const others = subshells().filter(([kernel]) => kernel !== kernelId);
    localStorage.setItem(KEY, JSON.stringify([[kernelId, opened.subshell], ...others.slice(0, KERNELS)]));
  } catch {
    // without storage a reload leaves a subshell behind; the kernel's end takes it along
  }
}

const subshells = (): [string, string][] => read<[string, string][]>(localStorage, KEY) ?? [];

function read<T>(storage: Storage, key: string): T | null {
  return JSON.parse(storage.getItem(key) ?? 'null') as T | null;
}
