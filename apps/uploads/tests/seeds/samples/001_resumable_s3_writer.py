from djust.uploads import ResumableUploadWriter, BufferedUploadWriter
import boto3

class ResumableS3Writer(ResumableUploadWriter, BufferedUploadWriter):
    """S3 MPU writer that cooperates with the resumable upload state."""

    def open(self):
        self._s3 = boto3.client("s3")
        self._key = f"uploads/{self.upload_id}"
        self._mpu = self._s3.create_multipart_upload(
            Bucket="my-bucket",
            Key=self._key,
            ContentType=self.content_type,
        )
        self._parts = []
        self._received_bytes = 0

    def write_chunk(self, chunk: bytes):
        self._received_bytes += len(chunk)
        # BufferedUploadWriter.flush() calls on_part() at the 5 MB boundary

    def on_part(self, part: bytes, part_num: int) -> None:
        resp = self._s3.upload_part(
            Bucket="my-bucket",
            Key=self._key,
            UploadId=self._mpu["UploadId"],
            PartNumber=part_num,
            Body=part,
        )
        self._parts.append({"ETag": resp["ETag"], "PartNumber": part_num})

    def close(self):
        self._s3.complete_multipart_upload(
            Bucket="my-bucket",
            Key=self._key,
            UploadId=self._mpu["UploadId"],
            MultipartUpload={"Parts": self._parts},
        )
        return {"url": f"https://my-bucket.s3.amazonaws.com/{self._key}"}

    def abort(self, error):
        mpu = getattr(self, "_mpu", None)
        if mpu:
            self._s3.abort_multipart_upload(
                Bucket="my-bucket",
                Key=self._key,
                UploadId=mpu["UploadId"],
            )
