import { findBinary } from './binaries';
import { findOrInstall } from './find-or-install';

/** The path of promtool, which is part of Prometheus and tests alerting rules. */
export async function promtoolPath(): Promise<string> {
  return findOrInstall({
    title: 'promtool',
    find: () => findBinary(['promtool']),
    debianPackage: 'prometheus',
  });
}
