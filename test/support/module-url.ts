/** The source of an ES module as a URL, to load it before the service (`node --import`). */
export const toModuleUrl = (source: string): string =>
  `data:text/javascript,${encodeURIComponent(source)}`;
