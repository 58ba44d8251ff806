/** What the rooms need of a logger (pino's shape). Fields first, then a sentence for the operator. */
export interface Log {
  trace(fields: object, sentence: string): void
  debug(fields: object, sentence: string): void
  info(fields: object, sentence: string): void
  warn(fields: object, sentence: string): void
  error(fields: object, sentence: string): void
  child(fields: object): Log
}

export const silentLog: Log = {
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLog,
}
