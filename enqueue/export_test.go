package enqueue

// SetChunk makes c write to Redis whenever that many bytes have come together.
func (c *Client) SetChunk(bytes int) { c.chunk = bytes }
