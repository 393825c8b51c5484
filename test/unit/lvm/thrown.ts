/** What a promise rejects with. Fails when it does not. */
export const thrownBy = async (work: Promise<unknown>): Promise<unknown> => {
  let value: unknown
  try {
    value = await work
  } catch (error) {
    return error
  }
  throw new Error(`expected a rejection, got ${JSON.stringify(value)}`)
}
