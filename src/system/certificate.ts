/** A certificate of our own, for tests of TLS. */

/** Makes one for `name`, in the files `cert` and `key` (PEM), by openssl. */
export function certify(name: string, { cert, key }: { readonly cert: string; readonly key: string }): void {
  const made = Bun.spawnSync([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    ...["-days", "30", "-keyout", key, "-out", cert, "-subj", `/CN=${name}`],
  ]);
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
}
