/** An image that is put on the base disk. */
export interface ImageSource {
  /** Changes when the image does; cheap, because every start of a lab asks. */
  readonly key: () => Promise<string>
  /** Makes the archive in a folder of the caller's, or says where it is; called only when the key is new. */
  readonly write: (folder: string) => Promise<string>
}
