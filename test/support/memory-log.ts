/** Keeps a service's log lines in memory, as a stream that pino writes to. */
export class MemoryLog {
  readonly lines: string[] = [];
  private readonly waiting = new Set<(line: string) => void>();

  write(line: string): void {
    this.lines.push(line);
    for (const hear of this.waiting) hear(line);
  }

  get text(): string {
    return this.lines.join('');
  }

  /** Resolves with the next line that is meant. */
  next(isMeant: (line: string) => boolean): Promise<string> {
    return new Promise((resolve) => {
      const hear = (line: string) => {
        if (!isMeant(line)) return;
        this.waiting.delete(hear);
        resolve(line);
      };
      this.waiting.add(hear);
    });
  }

  /** The events with this message, parsed. */
  events(message: string): Record<string, unknown>[] {
    return this.lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === message);
  }
}
