"""The types by their Android names: `TUICallDefine.MediaType.Video`, `TUICommonDefine.Camera.Front`."""

from __future__ import annotations

from pycall.compat import enums, structs


class TUICallDefine:
    """What belongs to calls."""

    MediaType = enums.TUICallType
    Role = enums.TUICallRole
    Status = enums.TUICallStatus
    Scene = enums.TUICallScene
    CallEndReason = enums.CallEndReason
    TUICallResultType = enums.TUICallResultType
    IOSOfflinePushType = enums.IOSOfflinePushType
    CallRecords = structs.CallRecords
    RecentCallsFilter = structs.RecentCallsFilter
    CallParams = structs.CallParams
    CallObserverExtraInfo = structs.CallObserverExtraInfo
    OfflinePushInfo = structs.OfflinePushInfo


class TUICommonDefine:
    """What is more general."""

    RoomId = structs.RoomId
    Camera = enums.TUICamera
    AudioPlaybackDevice = enums.TUIAudioPlaybackDevice
    NetworkQuality = enums.TUINetworkQuality
    NetworkQualityInfo = structs.NetworkQualityInfo
    VideoRenderParams = structs.VideoRenderParams
    VideoEncoderParams = structs.VideoEncoderParams
    FillMode = enums.FillMode
    Rotation = enums.Rotation
    Resolution = enums.Resolution
    ResolutionMode = enums.ResolutionMode
