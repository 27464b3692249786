/** A certificate of our own, for tests of TLS. */

/** Makes one for `name`, good for `days`, in the files `cert` and `key` (PEM), by openssl. */
export function certify(
  name: string,
  { cert, key }: { readonly cert: string; readonly key: string },
  days = 30,
): void {
  const made = Bun.spawnSync([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    ...["-days", `${days}`, "-keyout", key, "-out", cert, "-subj", `/CN=${name}`],
  ]);
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
}
