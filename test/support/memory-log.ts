/** Keeps the service's log lines in memory; pino writes to it like to a stream. */
export class MemoryLog {
  readonly lines: string[] = [];
  private readonly listeners = new Set<(line: string) => void>();

  write(line: string): void {
    this.lines.push(line);
    for (const listener of this.listeners) listener(line);
  }

  get text(): string {
    return this.lines.join('');
  }

  /** Resolves with the next line that matches. */
  next(matches: (line: string) => boolean): Promise<string> {
    return new Promise((resolve) => {
      const listener = (line: string) => {
        if (!matches(line)) return;
        this.listeners.delete(listener);
        resolve(line);
      };
      this.listeners.add(listener);
    });
  }

  /** The parsed lines with this message. */
  events(message: string): Record<string, unknown>[] {
    return this.lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === message);
  }
}
