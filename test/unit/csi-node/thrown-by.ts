/** The error that a promise is rejected with. @throws when it is not rejected, or not with an error. */
export const thrownBy = async (promise: Promise<unknown>): Promise<Error> => {
  const outcome = await promise.then(
    (value) => ({ value }),
    (thrown: unknown) => ({ thrown }),
  )
  if (!('thrown' in outcome)) throw new Error(`expected an error, and got ${String(outcome.value)}`)
  if (outcome.thrown instanceof Error) return outcome.thrown
  throw new Error(`not an error was thrown: ${String(outcome.thrown)}`)
}
